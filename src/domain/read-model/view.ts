import type { RowTable } from "./rows.ts";

/** The rows of a read model, as what an event changes of them is decided: reads see what was put before. */
export interface ModelView {
  get<T>(table: RowTable<T>, key: string): Promise<T | undefined>;
  put<T>(table: RowTable<T>, key: string, row: T): void;
  delete<T>(table: RowTable<T>, key: string): void;
}
