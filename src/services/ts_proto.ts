/**
 * Typed services from what ts-proto (version 2) generates of a `.proto` with
 * `outputServices=generic-definitions`, or with its default services.
 *
 * @module
 */
export {};
