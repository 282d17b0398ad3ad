// Prints, for each transaction on standard input (hexadecimal, a line each), a line of what
// cardano-hw-interop-lib finds wrong with it: "[]" if a hardware wallet's tool takes it.
const { validateTx } = require('cardano-hw-interop-lib')

const lines = require('fs').readFileSync(0, 'utf8').split('\n').filter(Boolean)
for (const line of lines) {
  const errors = validateTx(Buffer.from(line, 'hex'))
  console.log(JSON.stringify(errors.map(({ reason, position }) => `${position}: ${reason}`)))
}
