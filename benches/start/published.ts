import { TriggerChatTransport } from "@trigger.dev/sdk/chat";
import { send } from "../send";

export const start = () => send(TriggerChatTransport, location.origin);
