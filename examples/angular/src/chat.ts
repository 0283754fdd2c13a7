import { signal } from "@angular/core";
import { AbstractChat, type ChatInit, type ChatState, type ChatStatus, type UIMessage } from "ai";

/** The AI SDK's chat, with its state in signals. */
export class Chat<Message extends UIMessage = UIMessage> extends AbstractChat<Message> {
  constructor({ messages, ...init }: ChatInit<Message>) {
    super({ ...init, state: new SignalState(messages) });
  }
}

class SignalState<Message extends UIMessage> implements ChatState<Message> {
  readonly #messages;
  readonly #status = signal<ChatStatus>("ready");
  readonly #error = signal<Error | undefined>(undefined);

  constructor(messages: Message[] = []) {
    this.#messages = signal(messages);
  }

  get messages() {
    return this.#messages();
  }
  set messages(messages: Message[]) {
    this.#messages.set(messages);
  }

  get status() {
    return this.#status();
  }
  set status(status: ChatStatus) {
    this.#status.set(status);
  }

  get error() {
    return this.#error();
  }
  set error(error: Error | undefined) {
    this.#error.set(error);
  }

  pushMessage = (message: Message) => {
    this.#messages.update((messages) => [...messages, message]);
  };

  popMessage = () => {
    this.#messages.update((messages) => messages.slice(0, -1));
  };

  replaceMessage = (index: number, message: Message) => {
    // The chat goes on writing to this one: the view is given one that is new each time.
    const copy = this.snapshot(message);
    this.#messages.update((messages) => messages.map((old, at) => (at === index ? copy : old)));
  };

  snapshot = <T>(thing: T): T => structuredClone(thing);
}
