// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {PublicIp, PublicIpView} from "../types/GridTypes.sol";

/// @title A farm's public IPs
/// @notice One list, the free ones before the reserved ones: reserving takes the last free ones, and releasing or removing one
/// swaps it to the border or the end. So each takes the same gas however many IPs there are.
library PublicIps {
    using SafeCast for uint256;

    /// @dev One slot.
    struct Entry {
        bytes16 gateway;
        uint64 contractId;
        // In the list, counted from 1; 0 when the farm has no such IP.
        uint32 position;
        uint8 prefix;
    }

    struct Pool {
        uint256 free;
        bytes16[] list;
        mapping(bytes16 ip => Entry) entries;
        mapping(uint256 contractId => bytes16[]) reserved;
    }

    uint256 private constant IPV4_BITS = 32;
    uint256 private constant IPV6_BITS = 128;
    /// @dev What stands above an IPv4 address, see RFC 4291, 2.5.5.2.
    uint256 private constant IPV4_FAMILY = 0xffff;

    /// @notice Whether the IP and the gateway are two addresses of one family, and the prefix is one of it.
    function isValid(PublicIp memory publicIp) internal pure returns (bool) {
        uint256 ip = uint128(publicIp.ip);
        uint256 gateway = uint128(publicIp.gateway);
        bool isIpv4 = ip >> IPV4_BITS == IPV4_FAMILY;
        if (isIpv4 != (gateway >> IPV4_BITS == IPV4_FAMILY) || ip == gateway) return false;
        uint256 bits = isIpv4 ? IPV4_BITS : IPV6_BITS;
        // ::ffff:0.0.0.0 and :: are no addresses.
        bool areAddresses = isIpv4 ? uint32(ip) != 0 && uint32(gateway) != 0 : ip != 0 && gateway != 0;
        return areAddresses && publicIp.prefix != 0 && publicIp.prefix <= bits;
    }

    function contains(Pool storage self, bytes16 ip) internal view returns (bool) {
        return self.entries[ip].position != 0;
    }

    /// @notice Adds an IP that is not there yet, as a free one.
    function add(Pool storage self, PublicIp memory publicIp) internal {
        self.list.push(publicIp.ip);
        self.entries[publicIp.ip] = Entry({
            gateway: publicIp.gateway,
            contractId: 0,
            position: self.list.length.toUint32(),
            prefix: publicIp.prefix
        });
        _swap(self, self.list.length - 1, self.free);
        self.free++;
    }

    /// @notice Removes a free IP.
    function remove(Pool storage self, bytes16 ip) internal {
        uint256 free = self.free - 1;
        _swap(self, self.entries[ip].position - 1, free);
        _swap(self, free, self.list.length - 1);
        self.list.pop();
        self.free = free;
        delete self.entries[ip];
    }

    /// @notice Reserves `count` of the free IPs, which are as many at least, for a contract that has none.
    function reserve(Pool storage self, uint256 contractId, uint256 count) internal returns (bytes16[] memory ips) {
        uint256 free = self.free - count;
        ips = new bytes16[](count);
        for (uint256 i = 0; i < count; i++) {
            ips[i] = self.list[free + i];
            self.entries[ips[i]].contractId = contractId.toUint64();
        }
        self.free = free;
        self.reserved[contractId] = ips;
    }

    /// @notice Frees all IPs of a contract.
    function release(Pool storage self, uint256 contractId) internal returns (bytes16[] memory ips) {
        ips = self.reserved[contractId];
        uint256 free = self.free;
        for (uint256 i = 0; i < ips.length; i++) {
            _swap(self, self.entries[ips[i]].position - 1, free + i);
            self.entries[ips[i]].contractId = 0;
        }
        self.free = free + ips.length;
        delete self.reserved[contractId];
    }

    /// @notice The IP at an index of the list.
    function get(Pool storage self, uint256 index) internal view returns (PublicIpView memory) {
        bytes16 ip = self.list[index];
        return PublicIpView({publicIp: withGateway(self, ip), contractId: self.entries[ip].contractId});
    }

    function withGateway(Pool storage self, bytes16 ip) internal view returns (PublicIp memory) {
        Entry storage entry = self.entries[ip];
        return PublicIp({ip: ip, gateway: entry.gateway, prefix: entry.prefix});
    }

    /// @dev Two indices of the list.
    function _swap(Pool storage self, uint256 a, uint256 b) private {
        if (a == b) return;
        (bytes16 first, bytes16 second) = (self.list[a], self.list[b]);
        (self.list[a], self.list[b]) = (second, first);
        self.entries[first].position = uint32(b + 1);
        self.entries[second].position = uint32(a + 1);
    }
}
