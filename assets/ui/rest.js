// What the first pages do without: the words and sheets of all others, and the care for what is typed there. It comes with the first of them.
import { loadOtherWords } from "./i18n.js";
import { base } from "./store.js";

/** @type {Promise<unknown>|null} */
let asked = null;

/** Settles when all of it is there. */
export function theRest() {
  asked ??= Promise.all([loadOtherWords(), loadSheet(), import("./widgets/unsaved.js").then(({ watchForms }) => watchForms())]).catch((error) => {
    asked = null;
    throw error;
  });
  return asked;
}

/** Before the one for narrow screens, which has the last word. */
function loadSheet() {
  return new Promise((done, failed) => {
    const link = document.createElement("link");
    link.rel = "stylesheet";
    link.href = `${base}/ui/css/rest.css`;
    link.onload = done;
    link.onerror = () => {
      link.remove();
      failed(new Error("The look of this page could not be fetched."));
    };
    document.getElementById("narrow")?.before(link);
  });
}
