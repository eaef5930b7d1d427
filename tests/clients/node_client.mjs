// Client: a script on the TypeScript SDK 1.x, written as the documented samples are.
// Arguments: the transport (http or sse), the address, the key; the key goes as the tool argument.
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { SSEClientTransport } from "@modelcontextprotocol/sdk/client/sse.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

const [kind, address, key] = process.argv.slice(2);
const url = new URL(address);
const transport = kind === "sse" ? new SSEClientTransport(url) : new StreamableHTTPClientTransport(url);
const client = new Client({ name: "a test", version: "1" });
await client.connect(transport);

const fills = [];
async function ask(name, given) {
  const call = { name, arguments: { api_key: key, ...given } };
  const heard = { onprogress: (told) => fills.push(told.progress) };
  const result = await client.callTool(call, undefined, heard);
  return JSON.parse(result.content[0].text);
}

const tools = (await client.listTools()).tools;
const before = await ask("bastion_get_positions", {});
const refused = await ask("bastion_get_positions", { dry_run: true });
const answer = await ask("bastion_emergency_exit", { reason: "the example" });
const prompts = (await client.listPrompts()).prompts.map((prompt) => prompt.name);
await client.close();
process.stdout.write(
  JSON.stringify({
    tools: tools.map((tool) => tool.name),
    schemas: tools.map((tool) => tool.inputSchema.type),
    before,
    refused,
    answer,
    fills,
    prompts,
  }),
);
