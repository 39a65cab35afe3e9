const MIB = 1024 * 1024;

/** CPU seconds of a program that declares none. */
export const DEFAULT_PROGRAM_SECONDS = 10;
/** The most CPU seconds that a program may declare. */
export const MAX_PROGRAM_SECONDS = 600;
/** The largest WASI module that is fetched. */
export const MAX_MODULE_BYTES = 32 * MIB;
/** How much of the end of stderr is kept for people. */
export const STDERR_TAIL_BYTES = 4096;
/** What a program may keep in `/tmp` during one run. */
export const SCRATCH_BYTES = 64 * MIB;
/** Exit code of a WASI program that trapped: 128 + SIGABRT, as a shell shows an aborted process. */
export const EXIT_CODE_TRAP = 134;
