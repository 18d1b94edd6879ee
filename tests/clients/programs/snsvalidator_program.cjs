// AWS's own validator of SNS messages: each file named on the command line holds one, which must be genuine as it is and
// refused once a letter of it has changed. The lake's host takes the place of sns.REGION.amazonaws.com.
const assert = require("node:assert");
const fs = require("node:fs");
const MessageValidator = require("sns-validator");

const validator = new MessageValidator(/^(localhost|127\.0\.0\.1):\d+$/);
const validate = (message) =>
  new Promise((resolve, reject) => validator.validate(message, (error) => (error ? reject(error) : resolve())));

async function main(files) {
  assert.ok(files.length);
  for (const file of files) {
    const message = JSON.parse(fs.readFileSync(file, "utf8"));
    await validate(message);
    await assert.rejects(validate({ ...message, Message: `${message.Message}.` }), /signature is invalid/);
    const other = message.SignatureVersion === "1" ? "2" : "1";
    await assert.rejects(validate({ ...message, SignatureVersion: other }), /signature is invalid/);
  }
  console.log("done");
}

main(process.argv.slice(2)).catch((error) => {
  console.error(error);
  process.exit(1);
});
