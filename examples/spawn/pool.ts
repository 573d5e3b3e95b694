// A small pool of workers for work that would block the event loop.
import { Worker } from "node:worker_threads";

class Job {
  readonly input: unknown;
  readonly output: Promise<unknown>;
  resolve!: (output: unknown) => void;
  reject!: (reason: unknown) => void;
  /** Who computes it. */
  worker: Worker | undefined;

  constructor(input: unknown) {
    this.input = input;
    this.output = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
  }
}

/** Workers that do one job at a time; further jobs wait, up to a limit. */
export class WorkerPool {
  readonly #module: URL;
  readonly #maxWaiting: number;
  readonly #waiting = new Set<Job>();
  readonly #idle: Worker[];

  constructor(module: URL, { workers, maxWaiting }: { workers: number; maxWaiting: number }) {
    this.#module = module;
    this.#maxWaiting = maxWaiting;
    this.#idle = Array.from({ length: workers }, () => new Worker(module));
  }

  /** Whether another job would exceed the limit. */
  get full(): boolean {
    return this.#idle.length === 0 && this.#waiting.size >= this.#maxWaiting;
  }

  /** Has a worker do a job. When the signal fires, the job is dropped, even if it is running. */
  async run(input: unknown, signal: AbortSignal): Promise<unknown> {
    signal.throwIfAborted();
    const job = new Job(input);
    const stop = () => this.#stop(job, signal.reason);
    signal.addEventListener("abort", stop);
    this.#waiting.add(job);
    this.#assign();
    try {
      return await job.output;
    } finally {
      signal.removeEventListener("abort", stop);
    }
  }

  #assign(): void {
    for (const job of this.#waiting) {
      const worker = this.#idle.pop();
      if (!worker) return;
      this.#waiting.delete(job);
      job.worker = worker;
      worker.on("error", (error) => this.#stop(job, error));
      worker.on("message", (output) => {
        job.resolve(output);
        this.#free(worker);
      });
      worker.postMessage(job.input);
    }
  }

  #stop(job: Job, reason: unknown): void {
    job.reject(reason);
    if (this.#waiting.delete(job)) return;
    // A worker that is computing receives no messages: it can only be terminated and replaced.
    job.worker!.removeAllListeners();
    void job.worker!.terminate();
    this.#free(new Worker(this.#module));
  }

  #free(worker: Worker): void {
    worker.removeAllListeners();
    this.#idle.push(worker);
    this.#assign();
  }
}
