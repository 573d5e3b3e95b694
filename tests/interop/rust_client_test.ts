// The client of the Rust crates against this library's server.
import { protobufEcho } from "./echo_service.ts";
import { rustClientTests } from "./rust_client_cases.ts";

rustClientTests("Rust client", protobufEcho);
