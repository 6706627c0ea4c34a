// What is somebody else's code: what it throws while it is drawn is shown in its place, and the rest goes on.
import { Component, html } from "../vendor/preact.js";

/** @param {any} Part @param {(error: Error, again: () => void) => any} failed what stands there instead @returns {any} the component, contained */
export function contained(Part, failed) {
  return class extends Component {
    constructor() {
      super();
      this.state = { error: null };
    }

    /** @param {Error} error */
    static getDerivedStateFromError(error) {
      return { error };
    }

    /** @param {any} props @param {any} state */
    render(props, state) {
      if (!state.error) return html`<${Part} ...${props} />`;
      return failed(state.error, () => this.setState({ error: null }));
    }
  };
}
