// A module that exports no `serveCore`.
export const nothing = 0;
