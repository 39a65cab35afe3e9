import { styleText } from "node:util";

/** Where something is written; colours depend on what it is. */
export type PaintedStream = "stdout" | "stderr";

/** A text in a colour where the stream is a terminal, as NO_COLOR and FORCE_COLOR have it; the text itself elsewhere. */
export function paint(style: "bold" | "dim" | "green" | "red" | "yellow", text: string, on: PaintedStream): string {
  return styleText(style, text, { stream: process[on], validateStream: true });
}
