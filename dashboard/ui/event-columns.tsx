import { grouped, moment } from "../format.ts";
import type { Column } from "./table.tsx";

/** What happened on the chain, and where. */
interface HappenedView {
  readonly block: number;
  readonly timeSeconds: number;
  readonly kind: string;
  /** Its number. */
  readonly agreement?: number | undefined;
  readonly epoch?: number | undefined;
}

/** The columns of a table of what happened: when, what, and of which agreement. */
export const EVENT_COLUMNS: readonly Column<HappenedView>[] = [
  { key: "block", label: "Block", isNumber: true, cell: ({ block }) => grouped(block) },
  { key: "time", label: "Time", isMinor: true, cell: ({ timeSeconds }) => <time>{moment(timeSeconds)}</time> },
  { key: "kind", label: "What", cell: ({ kind }) => kind.replaceAll("-", " ") },
  {
    key: "agreement",
    label: "Agreement",
    isMinor: true,
    cell: ({ agreement, epoch }) =>
      agreement === undefined ? (
        ""
      ) : (
        <a href={`/agreements/${agreement}`}>
          #{agreement}
          {epoch === undefined ? "" : `, epoch ${epoch}`}
        </a>
      ),
  },
];
