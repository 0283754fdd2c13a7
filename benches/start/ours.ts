import { TriggerChatTransport } from "trigger-chat-transport";
import { send } from "../send";

export const start = () => send(TriggerChatTransport, location.origin);
