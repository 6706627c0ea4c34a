// A page whose modules are fetched when it is first opened, so that the start stays small.
import { t } from "../i18n.js";
import { theRest } from "../rest.js";
import { away, returned } from "../store.js";
import { html, useEffect, useState } from "../vendor/preact.js";
import { SLOW_MS } from "./load.js";
import { Trouble, Waiting } from "./trouble.js";

/**
 * @param {() => Promise<any>} load answers with the component
 * @param {{rest?: boolean}} [options] `rest`: false for what gets by with the words and sheets of the first pages
 * @returns {any} a component with the same properties; its `ahead()` fetches it before it is needed
 */
export function later(load, { rest = true } = {}) {
  /** @type {any} */
  let Ready = null;
  Later.ahead = () => {
    // An error shows where the component is asked for; there it is fetched again.
    if (!Ready && !away.value) load().catch(() => {});
  };
  return Later;

  function Later(/** @type {any} */ props) {
    const [error, setError] = useState(/** @type {any} */ (null));
    const [slow, setSlow] = useState(false);
    const [, draw] = useState(0);
    const [round] = useState(returned.value);
    const fetchIt = () => {
      setError(null);
      Promise.all([load(), rest && theRest()]).then(([found]) => {
        Ready = found;
        draw((n) => n + 1);
      }, setError);
    };
    useEffect(() => {
      if (Ready) return;
      const timer = setTimeout(() => setSlow(true), SLOW_MS);
      fetchIt();
      return () => clearTimeout(timer);
    }, []);
    useEffect(() => {
      // A module that failed once may stay failed until the page is loaded anew; there is nothing here to lose.
      if (error && returned.value !== round) location.reload();
    }, [error, returned.value]);
    if (Ready) return html`<${Ready} ...${props} />`;
    if (error) return html`<div class="column pad-top"><${Trouble} error=${away.value ? { code: "away" } : error} what=${t("error.page")} retry=${() => location.reload()} /></div>`;
    return html`<${Waiting} page=${{ data: null, error: null, slow }} rows=${6} />`;
  }
}
