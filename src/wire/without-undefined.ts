/** The value without the fields that are undefined, at every depth: absent is absent, however it was written. */
export function withoutUndefined<T>(value: T): T {
  return drop(value) as T;
}

function drop(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(drop);
  if (value === null || typeof value !== "object" || value instanceof Uint8Array) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, field]) => field !== undefined)
      .map(([name, field]) => [name, drop(field)]),
  );
}
