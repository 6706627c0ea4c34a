// The icon of a model: its own, what its name stands for, or one that says what kind of records it has.

/** Those that a model may have, as the server takes them. */
export const MODEL_ICONS = (
  "archive automations bell bot calendar chat chip clock cloud code data file folder globe home key link lock mail people phone plugins send server shield tag tools user"
).split(" ");

/** Models of the program by their icon. @type {Record<string, string>} */
const OF_THE_PROGRAM = {
  "type-long": "notes",
  activity: "requests",
  automations: "tasks",
  bell: "notifications",
  bot: "oauth_clients",
  clock: "schedules",
  file: "files",
  history: "history",
  key: "api_tokens oauth_tokens recovery_codes idempotency_keys",
  link: "account_links",
  lock: "secrets access_rules",
  models: "own_models",
  people: "users groups group_members",
  plugins: "plugins",
  send: "webhooks webhook_deliveries",
  server: "mcp_servers",
  settings: "settings preferences",
  shield: "audit_entries second_factors mcp_approvals mcp_rules",
  terminal: "tool_calls",
  tools: "mcp_tools mcp_offers own_tools record_tools",
  user: "sessions avatars mcp_sign_ins",
};
const KNOWN = new Map(Object.entries(OF_THE_PROGRAM).flatMap(([icon, names]) => names.split(" ").map((name) => [name, icon])));

/** What the type of a field says of the records, the most telling first. @type {[string, string][]} type and icon */
const BY_FIELD = [["file", "file"], ["email", "mail"], ["url", "globe"], ["date", "calendar"], ["datetime", "calendar"], ["tags", "tag"], ["relation", "link"]];

/** @param {{name: string, group: string, icon?: string|null, fields: {name: string, type: string, read_only?: boolean}[]}} model @returns {string} a name in icons.svg */
export function modelIcon({ name, group, icon, fields }) {
  const types = new Set(fields.filter((field) => !field.read_only).map((field) => field.type));
  return icon || KNOWN.get(name) || (group === "plugins" ? "plugins" : BY_FIELD.find(([type]) => types.has(type))?.[1]) || "data";
}
