import { api, html, page, person, say, useEffect, useFresh, useState, widget } from "../../../ui/sdk.js";

const BOOKS = "/api/v1/reading_list_books";

function Stars({ value }) {
  const stars = Number(value) || 0;
  return html`<span role="img" aria-label=${`${stars} of 5 stars`}>${"★".repeat(stars)}${"☆".repeat(5 - stars)}</span>`;
}

widget({
  model: "reading_list_books",
  field: "stars",
  cell: Stars,
  Input: ({ id, draft, set }) => html`<span class="row">
    <input id=${id} type="range" min="1" max="5" value=${draft || 1} onInput=${(event) => set(event.target.value)} />
    <${Stars} value=${draft} />
    <button class="btn quiet dense" type="button" onClick=${() => set("")}>None</button>
  </span>`,
});

/** Says what went wrong; what was typed stays. */
async function trying(deed) {
  try {
    await deed();
    return true;
  } catch (error) {
    say(error.message, "bad");
    return false;
  }
}

function ReadingList() {
  const [books, setBooks] = useState([]);
  const [year, setYear] = useState({ read: 0, goal: 1 });
  const [title, setTitle] = useState("");
  const load = () => trying(async () => {
    const mine = `owner_id=${person.value.id}&state__in=wanted,reading&sort=-created_at`;
    setBooks((await api.get(BOOKS, { query: mine })).data);
    setYear((await api.get("/api/reading-list/year")).data);
  });
  useEffect(() => { load(); }, []);
  useFresh(["reading_list_books"], load);

  async function add(event) {
    event.preventDefault();
    if (await trying(() => api.post(BOOKS, { title }))) setTitle("");
  }
  const finish = (book) =>
    trying(() => api.patch(`${BOOKS}/${book.id}`, { state: "read", read_at: new Date().toISOString() }));

  return html`<div class="column pad-top stack">
    <h1>Reading list</h1>
    <p>${year.read} of ${year.goal} books this year</p>
    <form class="row" onSubmit=${add}>
      <span class="input"><input aria-label="Title of a book" placeholder="Title of a book" value=${title} onInput=${(event) => setTitle(event.target.value)} /></span>
      <button class="btn primary" disabled=${!title.trim()}>Add</button>
    </form>
    <ul class="plain-list">
      ${books.map((book) => html`<li class="row" key=${book.id}>
        <button class="btn dense" type="button" onClick=${() => finish(book)}>Read it</button> ${book.title}
      </li>`)}
    </ul>
  </div>`;
}

page({ name: "reading-list", label: "Reading list", icon: "tag", Page: ReadingList });
