import { Component, computed, DestroyRef, effect, inject } from "@angular/core";
import type { UIMessage } from "ai";
import { chatOfTheAddress, openChat, textOf } from "../../shared/chat";
import { Chat } from "./chat";

@Component({
  selector: "chat-app",
  template: `
    <ol aria-label="Messages">
      @for (message of chat.messages; track message.id) {
        <li [attr.data-role]="message.role">{{ textOf(message) }}</li>
      }
    </ol>
    @if (chat.error; as error) {
      <p role="alert">{{ error.message }}</p>
    }
    <form (submit)="send($event, input)">
      <input #input aria-label="Message" required />
      @if (isBusy()) {
        <button type="button" (click)="stop()">Stop</button>
      } @else {
        <button>Send</button>
      }
    </form>
    <output>{{ chat.status }}</output>
  `,
})
export class App {
  readonly #chatId = chatOfTheAddress();
  readonly #opened = openChat<UIMessage>(this.#chatId);
  readonly chat = new Chat({ id: this.#chatId, ...this.#opened });
  readonly isBusy = computed(() => ["submitted", "streaming"].includes(this.chat.status));
  readonly textOf = textOf;

  constructor() {
    const { transport, messages, saveMessages } = this.#opened;
    // A turn that runs is replayed whole.
    if (messages.length > 0) void this.chat.resumeStream();
    // For that reason a part of an answer is not saved.
    effect(() => {
      if (this.chat.status !== "streaming") saveMessages(this.chat.messages);
    });
    // Lets go of the stream. The turn goes on at the server.
    inject(DestroyRef).onDestroy(() => transport.dispose());
  }

  send(event: Event, input: HTMLInputElement) {
    event.preventDefault();
    void this.chat.sendMessage({ text: input.value });
    input.value = "";
  }

  stop() {
    void this.#opened.transport.stopGeneration(this.#chatId);
  }
}
