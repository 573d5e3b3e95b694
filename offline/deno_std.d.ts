// npm's `deno-std` carries no types; the members beside this file give them.
declare module "deno-std/*";
