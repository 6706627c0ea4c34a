// A person as two letters on one of four quiet grounds.
import { html } from "../vendor/preact.js";

const GROUNDS = ["a", "b", "c", "d"];

/** "Maja Lindqvist" becomes "ML". @param {string} name */
export function initials(name) {
  return name.split(/\s+/).map((word) => [...word][0]).slice(0, 2).join("").toUpperCase();
}

/** @param {{id: number, name: string, small?: boolean}} props the name stands beside it, so it says nothing itself */
export function Avatar({ id, name, small = false }) {
  return html`<span class=${`avatar ${GROUNDS[id % GROUNDS.length]} ${small ? "s20" : ""}`} aria-hidden="true">${initials(name)}</span>`;
}
