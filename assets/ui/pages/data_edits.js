// What is typed into a form, kept apart from the record: a newer version of it may arrive underneath and nothing is lost.
import { typeOf } from "../fields/index.js";
import { useEffect, useMemo, useRef, useState } from "../vendor/preact.js";
import { own } from "../widgets/words.js";

/** @typedef {{draft: any, base: any}} Edit what was typed, and what stood there when it was */

/**
 * @param {import("../types").Field[]} asked the fields of the form @param {import("../types").Row} row as the server has it now @param {boolean} isNew
 * @param {import("../types").Row} [given] what a new one begins with; files and what nobody reads stay behind
 * @returns {{blank: Record<string, any>, drafts: Record<string, any>, edited: import("../types").Field[], unsent: boolean, clashes: string[],
 *   set: (name: string, draft: any) => void, mine: (name: string) => void, theirs: (name: string) => void, discard: () => void, sent: (row: import("../types").Row) => boolean}}
 * `unsent`: something was typed that was not saved, though its next version may not be here yet; `clashes`: fields that somebody else changed as well, until `mine` or `theirs` was chosen;
 * `sent`: the drafts were saved, the next version holds them as `row` does; answers whether more was typed since
 */
export function useEdits(asked, row, isNew, given) {
  const [edits, setEdits] = useState(() => begun(asked, given));
  const blank = useMemo(
    () => Object.fromEntries(asked.map((field) => [field.name, typeOf(field).toDraft(isNew ? field.default : row[field.name])])),
    [row, asked],
  );
  const saved = useRef(/** @type {Record<string, Edit>|null} */ (null));
  const latest = useRef(edits);
  latest.current = edits;
  useEffect(() => {
    const before = saved.current;
    saved.current = null;
    if (!before) return;
    // What was typed while it was on its way stands over what was sent, not over what was there before.
    const since = (/** @type {Record<string, Edit>} */ now) => Object.entries(now).filter(([name, edit]) => edit.draft !== own(before, name)?.draft);
    setEdits((now) => Object.fromEntries(since(now).map(([name, edit]) => [name, { draft: edit.draft, base: own(before, name)?.base ?? edit.base }])));
  }, [blank]);
  const edited = asked.filter(({ name }) => Object.hasOwn(edits, name) && edits[name].draft !== blank[name]);
  const unsent = edited.some(({ name }) => edits[name].draft !== own(saved.current || undefined, name)?.draft);
  const clashes = edited.map(({ name }) => name).filter((name) => !isNew && !saved.current && edits[name].base !== blank[name]);
  /** @param {string} name @param {any} draft */
  const set = (name, draft) => setEdits((now) => ({ ...now, [name]: { draft, base: Object.hasOwn(now, name) && now[name].draft !== blank[name] ? now[name].base : blank[name] } }));
  const theirs = (/** @type {string} */ name) => setEdits(({ [name]: _mine, ...others }) => others);
  const mine = (/** @type {string} */ name) => setEdits((now) => ({ ...now, [name]: { ...now[name], base: blank[name] } }));
  const sent = (/** @type {import("../types").Row} */ now) => {
    saved.current = Object.fromEntries(asked.map((field) => [field.name, { draft: own(edits, field.name)?.draft ?? blank[field.name], base: typeOf(field).toDraft(now[field.name]) }]));
    return Object.entries(latest.current).some(([name, { draft }]) => draft !== own(edits, name)?.draft);
  };
  const drafts = { ...blank, ...Object.fromEntries(asked.filter(({ name }) => Object.hasOwn(edits, name)).map(({ name }) => [name, edits[name].draft])) };
  return { blank, drafts, edited, unsent, clashes, set, mine, theirs, discard: () => setEdits({}), sent };
}

/** @param {import("../types").Field[]} asked @param {import("../types").Row} [given] @returns {Record<string, Edit>} */
function begun(asked, given) {
  const taken = given ? asked.filter((field) => !field.write_only && field.type !== "file" && own(given, field.name) !== null && own(given, field.name) !== undefined) : [];
  return Object.fromEntries(taken.map((field) => [field.name, { draft: typeOf(field).toDraft(/** @type {any} */ (given)[field.name]), base: typeOf(field).toDraft(field.default) }]));
}
