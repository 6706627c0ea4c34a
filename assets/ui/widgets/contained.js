// What is somebody else's code: what it throws while it is drawn is shown in its place, and the rest goes on.
import { Component, html } from "../vendor/preact.js";

/** @typedef {(error: Error, again: () => void) => any} Failed what stands there instead */

/** Draws `Part` with the props `given`, or what `failed` makes of its error. */
export class Contained extends Component {
  constructor() {
    super();
    this.state = { error: null };
  }

  /** @param {Error} error */
  static getDerivedStateFromError(error) {
    return { error };
  }

  /** @param {any} props @param {any} state */
  render({ Part, given, failed }, { error }) {
    if (!error) return html`<${Part} ...${given} />`;
    return failed(error, () => this.setState({ error: null }));
  }
}

/** @param {any} Part @param {Failed} failed @returns {any} the component, contained */
export function contained(Part, failed) {
  return (/** @type {any} */ props) => html`<${Contained} Part=${Part} given=${props} failed=${failed} />`;
}
