// Widgets of plugins for fields of their own models, in cells and forms. A broken one gives way to the plain field.
import { t } from "../i18n.js";
import { registering } from "../registering.js";
import { html, signal } from "../vendor/preact.js";
import { Contained } from "../widgets/contained.js";
import { Icon } from "../widgets/icon.js";
import { typeOf } from "./index.js";
import { ScheduleTask } from "./schedule_task.js";

/** @typedef {{cell?: (props: {value: any, field: import("../types").Field}) => any, Input?: (props: import("./text.js").InputProps) => any}} Widget both are components */

/** By `model.field`. @type {import("../types").Signal<Map<string, Widget & {plugin: string}>>} */
const widgets = signal(new Map());

/** Draws a field of one of the plugin's models; for its module, while it is imported. @param {Widget & {model: string, field: string}} widget */
export function registerWidget({ model, field, cell, Input }) {
  const { plugin, widgets: named } = registering();
  const key = `${model}.${field}`;
  if (!named.includes(key)) throw new Error(`widget(): manifest.json does not name ${key} among its field_widgets`);
  if (![cell, Input].some((one) => typeof one === "function")) throw new Error(`widget(): ${key} wants a cell, an Input or both, as functions`);
  widgets.value = new Map([...widgets.value, [key, { plugin, cell, Input }]]);
}

/** Fields of the program itself that are typed in a way of their own. @type {Record<string, (props: import("./text.js").InputProps) => any>} */
const OWN_INPUTS = { "schedules.task": ScheduleTask };

/** @param {string} plugin */
export function dropWidgets(plugin) {
  widgets.value = new Map([...widgets.value].filter(([, one]) => one.plugin !== plugin));
}

/** A value as a cell shows it. @param {any} value @param {import("../types").Field} field @param {any} [about] */
export function cellOf(value, field, about) {
  const plain = () => typeOf(field).cell(value, field, about);
  const own = widgetOf(field);
  if (!own?.cell) return plain();
  const failed = (/** @type {Error} */ error) => html`${plain()}<span class="widget-failed" title=${whatFailed(own.plugin, error)}><${Icon} name="alert" /><span class="vh">${whatFailed(own.plugin, error)}</span></span>`;
  return html`<${Contained} key=${own.plugin} Part=${own.cell} given=${{ value, field }} failed=${failed} />`;
}

/** What a field is typed into; the drafts are those of its type. @param {import("./text.js").InputProps} props */
export function FieldInput(props) {
  const Input = OWN_INPUTS[`${props.field.model}.${props.field.name}`] || typeOf(props.field).Input;
  const own = widgetOf(props.field);
  if (!own?.Input) return html`<${Input} ...${props} />`;
  const failed = (/** @type {Error} */ error) => html`<${Input} ...${props} /><p class="tiny muted widget-failed"><${Icon} name="alert" />${whatFailed(own.plugin, error)}</p>`;
  return html`<${Contained} Part=${own.Input} given=${props} failed=${failed} />`;
}

/** @param {import("../types").Field} field */
function widgetOf(field) {
  return field.write_only ? undefined : widgets.value.get(`${field.model}.${field.name}`);
}

/** @param {string} plugin @param {Error} error */
const whatFailed = (plugin, error) => t("contributions.widget_failed", { name: plugin, reason: error.message });
