import { State, api, formatRelative, html, page, person, say, useEffect, useFresh, useState } from "../../../ui/sdk.js";

const SHAPES = { new: "wait", up: "ok", down: "bad" };

function Site({ site }) {
  const since = site.since && ` · changed ${formatRelative(site.since)}`;
  const share = site.report?.up != null && ` · answered ${Math.round(site.report.up * 1000) / 10} % of ${site.report.looks} times`;
  return html`<p><${State} kind=${SHAPES[site.state]}>${site.name} is ${site.state}<//>${since}${share}</p>`;
}

function Uptime() {
  const [sites, setSites] = useState([]);
  const load = () =>
    api.get("/api/v1/uptime_watch_sites", { query: "sort=name" })
      .then((found) => setSites(found.data), (error) => say(error.message, "bad"));
  useEffect(() => { load(); }, []);
  useFresh(["uptime_watch_sites"], load);
  const look = () =>
    api.post("/api/uptime-watch/look").then(() => say("Looking at all of them."), (error) => say(error.message, "bad"));
  return html`<div class="column pad-top stack">
    <h1>Uptime</h1>
    ${sites.length === 0 && html`<p>Add a site under Data, Sites.</p>`}
    ${sites.map((site) => html`<${Site} key=${site.id} site=${site} />`)}
    ${person.value.role === "admin" && html`<p><button class="btn" type="button" onClick=${look}>Look now</button></p>`}
  </div>`;
}

page({ name: "uptime", label: "Uptime", icon: "globe", Page: Uptime });
