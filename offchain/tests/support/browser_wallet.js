// A stand-in for wallets in the browser: each answers as CIP-30 has it, by asking Python, where the keys are.
;(() => {
  const ask = async (/** @type {unknown[]} */ ...given) => {
    const { result, thrown } = await window.standInWallet(JSON.stringify(given))
    if (thrown !== undefined) throw thrown
    return result
  }
  const methods = [
    ...['getNetworkId', 'getUtxos', 'getCollateral', 'getBalance', 'getUsedAddresses', 'getUnusedAddresses'],
    ...['getChangeAddress', 'getRewardAddresses', 'signTx', 'signData', 'submitTx', 'getExtensions'],
  ]
  const entry = (/** @type {string} */ key, /** @type {string} */ name) => ({
    name,
    icon: 'data:image/svg+xml,<svg/>',
    apiVersion: '1',
    supportedExtensions: [],
    isEnabled: () => ask(key, 'isEnabled'),
    enable: async () => {
      await ask(key, 'enable')
      return Object.fromEntries(methods.map((method) => [method, (...given) => ask(key, method, ...given)]))
    },
  })
  const wallets = WALLETS
  // Wallets come late, after the page has loaded.
  addEventListener('load', () =>
    setTimeout(() => {
      window.cardano = Object.fromEntries(Object.entries(wallets).map(([key, name]) => [key, entry(key, name)]))
    }, 50),
  )
})()
