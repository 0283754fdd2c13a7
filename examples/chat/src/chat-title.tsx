import { type FormEvent, useState } from "react";
import { Icon } from "./icon";

type Props = {
  title: string;
  /** Unset where there is nothing to rename yet. */
  onRename: ((title: string) => void) | undefined;
};

/** The open chat's title, or a field in its place: Enter keeps what was typed, Escape gives it up. */
export function ChatTitle({ title, onRename }: Props) {
  const [state, setState] = useState<"untouched" | "edited" | "left">("untouched");
  const leave = () => setState("left");

  if (state === "edited" && onRename) {
    const submit = (event: FormEvent<HTMLFormElement>) => {
      event.preventDefault();
      const wish = String(new FormData(event.currentTarget).get("title")).trim();
      if (wish !== "" && wish !== title) onRename(wish);
      leave();
    };
    return (
      <form
        className="title-form"
        onSubmit={submit}
        onKeyDown={(event) => event.key === "Escape" && leave()}
      >
        <input
          ref={selectAll}
          className="title-input"
          data-testid="title-input"
          name="title"
          aria-label="Title"
          autoComplete="off"
          maxLength={200}
          defaultValue={title}
        />
        <button type="submit" className="button-plain" aria-label="Keep this title">
          <Icon name="check" />
        </button>
      </form>
    );
  }
  return (
    <>
      <h1 className="topbar-title">{title}</h1>
      {onRename && (
        <button
          // The field took the focus from here.
          ref={state === "left" ? focus : undefined}
          type="button"
          className="button-plain"
          data-testid="rename"
          aria-label="Rename this chat"
          onClick={() => setState("edited")}
        >
          <Icon name="pencil" />
        </button>
      )}
    </>
  );
}

// As refs: for elements that have just appeared.

function focus(element: HTMLElement | null) {
  element?.focus();
}

function selectAll(element: HTMLInputElement | null) {
  element?.focus();
  element?.select();
}
