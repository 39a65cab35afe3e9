/** Error numbers of WASI preview 1, as far as the host returns them. */
export const ERRNO = {
  success: 0,
  badf: 8,
  busy: 10,
  exist: 20,
  fault: 21,
  fbig: 22,
  ilseq: 25,
  inval: 28,
  isdir: 31,
  mfile: 33,
  nametoolong: 37,
  noent: 44,
  nospc: 51,
  notdir: 54,
  notempty: 55,
  notsup: 58,
  rofs: 69,
  spipe: 70,
  xdev: 75,
  notcapable: 76,
} as const;

/** Ends a host call with an error number that the program sees. */
export class Errno extends Error {
  readonly code: number;

  constructor(name: keyof typeof ERRNO) {
    super(name);
    this.code = ERRNO[name];
  }
}

/** Ends the program: its exit, or a limit whose excess is the same on every machine. */
export class ProgramStop extends Error {
  readonly reason: "exit" | "output-limit" | "state-limit";
  readonly exitCode: number;

  constructor(reason: "exit" | "output-limit" | "state-limit", exitCode: number) {
    super(reason);
    this.reason = reason;
    this.exitCode = exitCode;
  }
}
