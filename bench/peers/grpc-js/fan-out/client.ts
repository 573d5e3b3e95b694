// The client of the fan-out with grpc-js.
import { client } from "../../../client.ts";
import { type Answers, connect, ITEMS, requests, responses, UNARY } from "../library.ts";

const { serialize } = requests;
const { deserialize } = responses;

await client(async (port) => {
  const channel = await connect(port);
  let answers: Answers | undefined;
  return {
    echo: (_text, _number, done) => done(new Error("It does not echo")),
    subscribe(heard) {
      const request = { body: { message: "", nanotime: 0 }, responseBehavior: 1 };
      answers = channel.makeServerStreamRequest(ITEMS, serialize, deserialize, request);
      answers.on("data", ({ stream }) => heard(stream.nanotime, stream.message.length));
      answers.on("error", () => {});
    },
    publish(message, nanotime) {
      const request = { body: { message, nanotime } };
      channel.makeUnaryRequest(UNARY, serialize, deserialize, request, (error) => {
        if (error) throw error;
      });
    },
    close() {
      answers?.cancel();
      channel.close();
    },
  };
});
