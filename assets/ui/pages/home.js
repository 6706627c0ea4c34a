// Home: where the server is, how its tools are, what happened, what to do first.
import { t } from "../i18n.js";
import { modelNamed, person } from "../store.js";
import { html } from "../vendor/preact.js";
import { later } from "../widgets/later.js";
import { Cards } from "./cards.js";
import { Attention } from "./home_attention.js";
import { FoundClients, LostClients, useClients } from "./home_clients.js";
import { Notifications } from "./home_notifications.js";
import { Plate } from "./home_plate.js";
import { Servers } from "./home_servers.js";
import { Steps } from "./home_steps.js";
import { useServers } from "./tools_states.js";

const RecentActivity = later(() => import("./home_activity.js").then((found) => found.RecentActivity), { rest: false });

export function Home() {
  const page = useServers();
  const { clients, reload } = useClients();
  const hour = new Date().getHours();
  const part = hour < 5 ? "night" : hour < 12 ? "morning" : hour < 18 ? "afternoon" : "evening";
  const name = person.value?.display_name || person.value?.username || "";
  return html`<div class="scroll"><div class="column">
    <header class="page-head"><div class="say"><h1>${t(`home.${part}`, { name })}</h1><p>${t("home.words")}</p></div></header>
    <${LostClients} clients=${clients} reload=${reload} />
    <${Plate} />
    <div class="two settles">
      <div class="stack wide">
        <${Attention} servers=${page.servers} />
        ${modelNamed("requests") && html`<${RecentActivity} />`}
        <${Cards} wide=${true} />
        <${Servers} page=${page} />
        ${modelNamed("notifications") && html`<${Notifications} />`}
      </div>
      <div class="stack wide beside"><${Steps} /><${FoundClients} clients=${clients} /><${Cards} wide=${false} /></div>
    </div>
  </div></div>`;
}
