/** What a colour says besides the word. */
export type Tone = "good" | "warn" | "bad" | "plain";

/** A word with a colour that says no more than the word does. */
export function Tag({ tone, children }: { readonly tone: Tone; readonly children: string }) {
  return <span class={`badge badge-${tone}`}>{children}</span>;
}
