// The heavy work: counts primes below a limit, one at a time, as it is told. It is plain
// JavaScript, because Node 20 loads no TypeScript in a worker.
import { parentPort } from "node:worker_threads";

parentPort.on("message", (limit) => {
  let primes = 0;
  for (let candidate = 2; candidate < limit; candidate++) {
    if (isPrime(candidate)) primes++;
  }
  parentPort.postMessage(primes);
});

function isPrime(number) {
  for (let divisor = 2; divisor * divisor <= number; divisor++) {
    if (number % divisor === 0) return false;
  }
  return true;
}
