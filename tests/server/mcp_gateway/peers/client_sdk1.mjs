// @modelcontextprotocol/sdk 1.x as a client: URL TOKEN CALLS; prints the names of the tools and the answers.
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

const [url, token, calls] = process.argv.slice(-3);
const client = new Client({ name: "sdk1", version: "1" });
const headers = { Authorization: `Bearer ${token}` };
await client.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } }));
const tools = (await client.listTools()).tools.map((tool) => tool.name);
const answers = [];
for (const [name, given] of JSON.parse(calls)) answers.push(await client.callTool({ name, arguments: given }));
console.log(JSON.stringify({ tools, answers }));
await client.close();
