// Small help with words that come from the server.

/** A label inside a sentence: "Note" becomes "note", "MCP server" and "API token" stay. @param {string} label */
export function inSentence(label) {
  return /^.[A-Z]/.test(label) ? label : label.charAt(0).toLowerCase() + label.slice(1);
}

/** What a row is called. @param {import("../types").Model} model @param {import("../types").Row} row */
export function titleOf(model, row) {
  const title = model.title_field ? row[model.title_field] : null;
  return title === null || title === undefined || title === "" ? `${model.label} ${row.id}` : String(title);
}

/** What an object itself has under a name: a field may be called `constructor`, which every object answers to. @param {Record<string, any>|undefined} object @param {string} name */
export function own(object, name) {
  return object && Object.hasOwn(object, name) ? object[name] : undefined;
}
