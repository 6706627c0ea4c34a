import { api, html, page, useEffect, useState } from "../../../ui/sdk.js";

const ITEMS = "/api/v1/shopping_list_items";

function ShoppingList() {
  const [items, setItems] = useState([]);
  const load = () => api.get(`${ITEMS}?bought=false&sort=what`).then((found) => setItems(found.data));
  useEffect(() => { load(); }, []);
  const tick = async (item) => {
    await api.patch(`${ITEMS}/${item.id}`, { bought: true });
    await load();
  };
  return html`<div class="column pad-top">
    <h1>Shopping list</h1>
    ${items.length === 0 && html`<p>Nothing is to be bought.</p>`}
    ${items.map((item) => html`<p key=${item.id}>
      <button class="btn dense" type="button" onClick=${() => tick(item)}>Bought</button> ${item.amount} × ${item.what}
    </p>`)}
  </div>`;
}

page({ name: "shopping-list", label: "Shopping list", icon: "tag", Page: ShoppingList });
