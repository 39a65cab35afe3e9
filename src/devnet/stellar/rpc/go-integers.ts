/** A number, or why the text is none, in the words of Go's `strconv`, which the service passes on. */
export type ParsedInteger = { readonly value: bigint } | { readonly problem: string };

const INT64 = { min: -(2n ** 63n), max: 2n ** 63n - 1n };
const UINT32 = { min: 0n, max: 2n ** 32n - 1n };

/** A signed integer of 64 bits. */
export function parseInt64(text: string): ParsedInteger {
  return parse(text, "ParseInt", /^[+-]?\d+$/, INT64);
}

/** An unsigned integer of 32 bits. */
export function parseUint32(text: string): ParsedInteger {
  return parse(text, "ParseUint", /^\d+$/, UINT32);
}

function parse(
  text: string,
  name: string,
  form: RegExp,
  { min, max }: { readonly min: bigint; readonly max: bigint },
): ParsedInteger {
  const refuse = (why: string): ParsedInteger => ({
    problem: `strconv.${name}: parsing ${JSON.stringify(text)}: ${why}`,
  });
  if (!form.test(text)) return refuse("invalid syntax");
  const value = BigInt(text.replace(/^\+/, ""));
  return value < min || value > max ? refuse("value out of range") : { value };
}
