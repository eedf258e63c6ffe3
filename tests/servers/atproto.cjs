// A network of the AT Protocol on loopback: PLC directory, PDS and, where DB_POSTGRES_URL and REDIS_HOST say how, an AppView.
// Run in the folder where @atproto/dev-env is installed. Says on one line where everything is; ends with its standard input.
const net = require('node:net')
const path = require('node:path')
const { createRequire } = require('node:module')

// each of these servers asks for a bare port, which would be open to the world
const { listen } = net.Server.prototype
net.Server.prototype.listen = function (asked, ...rest) {
  const options = asked !== null && typeof asked === 'object' ? asked : { port: Number(asked) || 0 }
  const ready = rest.find((argument) => typeof argument === 'function')
  return listen.call(this, options.path ? options : { ...options, host: '127.0.0.1' }, ready)
}

const installed = createRequire(path.join(process.cwd(), 'here.js'))
const { TestNetwork, TestNetworkNoAppView } = installed('@atproto/dev-env')
const getPort = installed('get-port')

async function main() {
  const pds = { hostname: 'localhost' }
  const port = await getPort()
  const bsky = { port, publicUrl: `http://localhost:${port}`, dbPostgresSchema: 'bsky' }
  const network = process.env.DB_POSTGRES_URL
    ? await TestNetwork.create({ pds, bsky })
    : await TestNetworkNoAppView.create({ pds })
  const stop = () => network.close().finally(() => process.exit(0))
  process.stdin.on('end', stop).resume()
  const places = { plc: network.plc.url, pds: network.pds.url, appview: network.bsky?.url ?? null }
  console.log(JSON.stringify(places))
}

main().catch((error) => {
  console.error(error)
  process.exit(1)
})
