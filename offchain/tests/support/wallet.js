// A wallet's signTx (CIP-30), made of Emurgo's library: reads "<secret key> <transaction>" in hexadecimal, a line
// each, from standard input, and answers each with a witness set that holds only its own signature.
const csl = require('@emurgo/cardano-serialization-lib-nodejs')

for (const line of require('fs').readFileSync(0, 'utf8').split('\n').filter(Boolean)) {
  const [secret, transaction] = line.split(' ')
  const key = csl.PrivateKey.from_hex(secret)
  const seen = csl.FixedTransaction.from_hex(transaction)
  // As wallets do that decode and encode anew: the body must keep its id.
  const body = csl.Transaction.from_hex(transaction).body()
  const again = csl.FixedTransaction.new(body.to_bytes(), new Uint8Array([0xa0]), true)
  if (again.transaction_hash().to_hex() !== seen.transaction_hash().to_hex()) {
    throw new Error('encoded anew, it has another id')
  }
  const witnesses = csl.TransactionWitnessSet.new()
  const keys = csl.Vkeywitnesses.new()
  keys.add(csl.make_vkey_witness(again.transaction_hash(), key))
  witnesses.set_vkeys(keys)
  console.log(witnesses.to_hex())
}
