import { useState } from "preact/hooks";

import { navigate } from "../router.ts";

/** A field for what a page is about, and a button that leads there. */
export function LookUp({
  label,
  placeholder,
  pattern,
  base,
}: {
  readonly label: string;
  readonly placeholder: string;
  /** Of what is typed, without the spaces around it. */
  readonly pattern: string;
  /** The path before it. */
  readonly base: string;
}) {
  const [text, setText] = useState("");
  return (
    <form
      class="look-up"
      onSubmit={(event) => {
        event.preventDefault();
        navigate(`${base}/${text.trim()}`);
      }}
    >
      <label>
        {label}
        <input
          type="text"
          class="mono"
          placeholder={placeholder}
          pattern={`\\s*${pattern}\\s*`}
          required
          spellcheck={false}
          autocomplete="off"
          value={text}
          onInput={({ currentTarget }) => setText(currentTarget.value)}
        />
      </label>
      <button type="submit" class="button button-main">
        Show
      </button>
    </form>
  );
}
