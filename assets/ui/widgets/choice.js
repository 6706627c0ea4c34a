// One of several, chosen from a list below its label.
import { html } from "../vendor/preact.js";
import { Icon } from "./icon.js";
import { Labelled } from "./labelled.js";

/** @param {{id: string, label: string, value: string, choose: (event: any) => void, options: [string, string][]}} props */
export function Choice({ id, label, value, choose, options }) {
  return html`<${Labelled} id=${id} label=${label}><span class="select"><select class="input" id=${id} value=${value} onChange=${choose}>
    ${options.map(([key, words]) => html`<option key=${key} value=${key} selected=${key === value}>${words}</option>`)}
  </select><${Icon} name="down" /></span><//>`;
}
