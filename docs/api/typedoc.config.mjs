// What TypeDoc makes the API reference of: the entries of the package, from their TypeScript.
import template from "../../pkg-template/package.json" with { type: "json" };

const sources = Object.values(template.exports)
  .map(({ types }) => types)
  .filter(Boolean)
  .map((file) => file.replace("./", "../../js/src/").replace(/\.d\.ts$/, ".ts"));

/** What is the same in many events stands at their type. */
const eventMembers = [
  ...["bodyBytes", "chatId", "durationMs", "error", "lastEventId", "messageId", "partId"],
  ...["sinceSendMs", "source", "status", "timestamp", "type"],
].map((name) => `index.ChatTransportEvent.__type.${name}`);

/** What these types look for in a task's. */
const taskMembers = [
  ...["InferChatClientData.__type.chatId", "InferChatClientData.__type.metadata"],
  ...["InferChatUIMessage.__type.chatId", "InferChatUIMessage.__type.message"],
].map((name) => `index.${name}`);

export default {
  name: template.name,
  entryPoints: sources,
  tsconfig: "../../js/tsconfig.types.json",
  out: "../../target/api",
  readme: "none",
  disableSources: true,
  excludeInternal: true,
  githubPages: false,
  treatWarningsAsErrors: true,
  validation: { notExported: true, invalidLink: true, notDocumented: true },
  // Shown where they are used, and of no use to an app.
  intentionallyNotExported: ["AnyMessage", "ClientData", "PayloadOf", "ResumableTransport"],
  intentionallyNotDocumented: [...eventMembers, ...taskMembers],
};
