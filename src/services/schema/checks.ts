import { isObject, shown, wrong } from "../../check.ts";

/** Checks that something is the definition of a service, and not what is easily taken for one. */
export function checkDefinition(service: unknown): void {
  const name = isObject(service) ? service.name : undefined;
  if (isObject(service) && typeof name === "string" && isMethods(service.methods)) return;
  const what = !isObject(service)
    ? shown(service)
    : "handlers" in service
    ? "what implement() returns: it is in its `service`"
    : "unary" in service
    ? "a transport: the service comes first"
    : "typeName" in service || "fullName" in service
    ? "what was generated: pass that to serviceOf() first"
    : shown(service);
  throw wrong(`service must be what defineService() or serviceOf() returns, not ${what}`);
}

function isMethods(methods: unknown): boolean {
  return isObject(methods) && !Array.isArray(methods) &&
    Object.values(methods).every((method) => isObject(method) && typeof method.path === "string");
}

/** Checks that something is a list of services with their handlers. */
export function checkImplementations(services: unknown): void {
  if (!Array.isArray(services)) {
    const what = isImplementation(services) ? "only one: put it in brackets" : shown(services);
    throw wrong(`services must be an array of what implement() returns, not ${what}`);
  }
  services.forEach((one: unknown, i) => {
    if (isImplementation(one)) return;
    const what = isObject(one) && "methods" in one
      ? `the definition of ${one.name}, which has no handlers`
      : shown(one);
    throw wrong(`services[${i}] must be what implement() returns, not ${what}`);
  });
}

function isImplementation(value: unknown): boolean {
  return isObject(value) && isObject(value.service) && isObject(value.handlers);
}
