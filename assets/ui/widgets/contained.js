// A page that is somebody else's code: what it throws while it is drawn is shown in its place, and the rest goes on.
import { t } from "../i18n.js";
import { Component, html } from "../vendor/preact.js";
import { Trouble } from "./trouble.js";

/** @param {string} plugin @param {any} Page @returns {any} the page, contained */
export function contained(plugin, Page) {
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
      if (!state.error) return html`<${Page} ...${props} />`;
      const again = () => this.setState({ error: null });
      return html`<div class="column pad-top"><${Trouble} error=${state.error} what=${t("contributions.page_failed", { name: plugin })} retry=${again} /></div>`;
    }
  };
}
