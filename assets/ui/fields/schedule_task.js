// What a schedule lets run: chosen from what this server and its plugins offer, with what each of them wants.
import { api } from "../api.js";
import { html } from "../vendor/preact.js";
import { Icon } from "../widgets/icon.js";
import { useLoad } from "../widgets/load.js";
import { common, text } from "./text.js";

/** @typedef {{task: string, what: string}} Kind `what`: in words, and after a colon what it wants as input */

/** @param {import("./text.js").InputProps} props */
export function ScheduleTask(props) {
  const { data } = useLoad(async (signal) => /** @type {Kind[]} */ ((await api.get("/api/v1/schedules/kinds", { signal })).data), []);
  if (!data) return html`<${text.Input} ...${props} />`;
  const { draft, set, changed } = props;
  const chosen = data.find((one) => one.task === draft);
  // That of a plugin that is off stays what it is.
  const kinds = chosen || !draft ? data : [...data, { task: draft, what: "" }];
  return html`<span class="select"><select class=${`input ${changed ? "changed" : ""}`} ...${common(props)} value=${draft} onChange=${(/** @type {any} */ event) => set(event.target.value)}>
      ${draft === "" && html`<option value="" selected></option>`}
      ${kinds.map(({ task, what }) => html`<option key=${task} value=${task} selected=${task === draft}>${what ? `${what.split(":")[0]} (${task})` : task}</option>`)}
    </select><${Icon} name="down" /></span>
    ${chosen && html`<p class="help" role="status">${chosen.what}</p>`}`;
}
