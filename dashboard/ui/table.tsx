import type { ComponentChildren } from "preact";

import { query, setQuery } from "../router.ts";

/** A column of a table of rows of type `T`. */
export interface Column<T> {
  readonly key: string;
  readonly label: string;
  readonly cell: (row: T) => ComponentChildren;
  /** What it is sorted by; without it, it cannot be. */
  readonly by?: (row: T) => number | bigint | string;
  readonly isNumber?: boolean;
  /** Left out where there is little room. */
  readonly isMinor?: boolean;
}

export interface TableProps<T> {
  readonly caption: string;
  readonly columns: readonly Column<T>[];
  readonly rows: readonly T[];
  readonly rowKey: (row: T) => string | number;
  /** What stands there when there are no rows. */
  readonly empty: ComponentChildren;
  /** Field of the query that holds the order; without it, rows stay as they come. */
  readonly sortName?: string;
}

/** A table that can be sorted by its headings; the order is in the address, so that back and links keep it. */
export function Table<T>({ caption, columns, rows, rowKey, empty, sortName }: TableProps<T>) {
  const order = sortName === undefined ? "" : (query.value.get(sortName) ?? "");
  const isDown = order.startsWith("-");
  const sorted = columns.find(({ key }) => key === order.replace(/^-/, ""));
  const shown = sorted?.by === undefined ? rows : sortedBy(rows, sorted.by, isDown);
  if (rows.length === 0) return <p class="empty">{empty}</p>;
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={caption}>
      <table>
        <caption class="quiet">{caption}</caption>
        <thead>
          <tr>
            {columns.map((column) => (
              <th
                key={column.key}
                scope="col"
                class={classOf(column)}
                aria-sort={column !== sorted ? undefined : isDown ? "descending" : "ascending"}
              >
                {sortName === undefined || column.by === undefined ? (
                  column.label
                ) : (
                  <button
                    type="button"
                    class="sort"
                    onClick={() => setQuery(sortName, order === `-${column.key}` ? column.key : `-${column.key}`)}
                  >
                    {column.label}
                    <span aria-hidden="true">{column !== sorted ? "" : isDown ? " ↓" : " ↑"}</span>
                  </button>
                )}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {shown.map((row) => (
            <tr key={rowKey(row)}>
              {columns.map((column) => (
                <td key={column.key} class={classOf(column)}>
                  {column.cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function classOf<T>({ isNumber, isMinor }: Column<T>): string | undefined {
  const names = [...(isNumber === true ? ["number"] : []), ...(isMinor === true ? ["minor"] : [])];
  return names.length === 0 ? undefined : names.join(" ");
}

function sortedBy<T>(rows: readonly T[], by: NonNullable<Column<T>["by"]>, isDown: boolean): readonly T[] {
  const sign = isDown ? -1 : 1;
  return [...rows].sort((a, b) => {
    const [left, right] = [by(a), by(b)];
    return left === right ? 0 : left < right ? -sign : sign;
  });
}
