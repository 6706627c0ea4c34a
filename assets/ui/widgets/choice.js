// One of several, chosen from a list below its label.
import { html } from "../vendor/preact.js";
import { Labelled } from "./labelled.js";
import { Select } from "./select.js";

/** @param {{id: string, label: string, value: string, choose: (event: any) => void, options: [string, string][]}} props */
export function Choice({ id, label, value, choose, options }) {
  return html`<${Labelled} id=${id} label=${label}><${Select} id=${id} value=${value} onChange=${choose}>
    ${options.map(([key, words]) => html`<option key=${key} value=${key} selected=${key === value}>${words}</option>`)}
  <//><//>`;
}
