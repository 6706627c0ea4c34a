// A person as two letters on one of four quiet grounds.
import { html } from "../vendor/preact.js";

const GROUNDS = ["a", "b", "c", "d"];

/** "Maja Lindqvist" becomes "ML". @param {string} name */
export function initials(name) {
  return name.split(/\s+/).map((word) => [...word][0]).slice(0, 2).join("").toUpperCase();
}

/** The ground of a person, the same wherever they are shown. @param {number} id */
export const groundOf = (id) => GROUNDS[id % GROUNDS.length];

/** @param {{id: number, name: string, small?: boolean}} props the name stands beside it, so it says nothing itself */
export function Avatar({ id, name, small = false }) {
  return html`<span class=${`avatar ${groundOf(id)} ${small ? "s20" : ""}`} aria-hidden="true">${initials(name)}</span>`;
}
