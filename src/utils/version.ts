/** What daemons say that they are. */
export const VERSION = "0.1.0";
