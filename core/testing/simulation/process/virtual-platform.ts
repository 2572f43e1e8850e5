import { queryMembers } from '../../../peer/query.js';
import { startPeers } from '../../../peer/transport.js';
import type { MemberId } from '../../../raft/types.js';
import type { Assembled } from '../../../server/assemble.js';
import type { Platform } from '../../../server/platform.js';
import { serveVirtually } from '../carrier/virtual-server.js';
import { platformOnDisk } from '../disk/platform-on-disk.js';
import type { Link } from '../network/link.js';
import { Datagrams } from '../network/datagrams.js';
import { virtualSockets } from '../network/virtual-socket.js';
import { guardedDisk } from './guarded-disk.js';
import type { VirtualMember } from './virtual-member.js';
import type { Life } from './virtual-process.js';

/** What one run of a member meets in its world. */
export function virtualPlatform(member: VirtualMember, life: Life, assembled: (parts: Assembled) => void): Platform {
  const { network } = member.world;
  const sockets = virtualSockets(network, life);
  const { disk, ...onDisk } = platformOnDisk(member.disk);
  return {
    ...onDisk,
    disk: guardedDisk(disk, life),
    startPeers: (options) => {
      const datagrams = new Datagrams(life, (id) => linkFrom(id, member));
      return startPeers({ ...options, handler: datagrams.before(options.handler), sockets });
    },
    queryMembers: (url, options) => queryMembers(url, { ...options, sockets }),
    serve: (options) => serveVirtually(network, life, options),
    assembled,
  };
}

function linkFrom(id: MemberId, { world, name }: VirtualMember): Link | undefined {
  const from = world.members.find((member) => member.id === id);
  return from && world.network.link(from.name, name);
}
