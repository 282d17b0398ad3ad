// Wallets to play with, as browsers' extensions inject them (CIP-30): each asks the demo, where the keys are.
;(() => {
  const names = NAMES
  const thrown = (code, info) => ({ code, info })

  const ask = async (name, ...given) => {
    const token = await (await fetch('/api/v1/token')).json()
    const answer = await fetch(`/play/${encodeURIComponent(name)}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', 'X-Milestones-Token': token.token },
      body: JSON.stringify(given),
    })
    const said = await answer.json()
    if (said.thrown !== undefined) throw said.thrown
    if (!answer.ok) throw thrown(-2, 'the demo could not do this')
    return said.result
  }

  const api = (name) => ({
    getNetworkId: async () => 0,
    getUtxos: () => ask(name, 'getUtxos'),
    getCollateral: async () => null,
    getUsedAddresses: async () => [await ask(name, 'getChangeAddress')],
    getUnusedAddresses: async () => [],
    getRewardAddresses: async () => [],
    getChangeAddress: () => ask(name, 'getChangeAddress'),
    signTx: async (transaction, partial) => {
      if (!confirm(`${name}'s play wallet: sign this transaction?`)) throw thrown(2, 'declined')
      return ask(name, 'signTx', transaction, partial)
    },
    signData: async (address, payload) => {
      if (!confirm(`${name}'s play wallet: sign this statement?`)) throw thrown(3, 'declined')
      return ask(name, 'signData', address, payload)
    },
  })

  window.cardano = Object.fromEntries(
    names.map((name) => [
      `play-${name.toLowerCase().replaceAll(' ', '-')}`,
      {
        name: `${name} (play wallet)`,
        icon: 'data:image/svg+xml,<svg xmlns="http://www.w3.org/2000/svg"/>',
        apiVersion: '1',
        supportedExtensions: [],
        isEnabled: async () => true,
        enable: async () => api(name),
      },
    ]),
  )
})()
