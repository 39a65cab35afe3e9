// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {GridContracts} from "../../../contracts/grid/GridContracts.sol";
import {GridRegistry} from "../../../contracts/grid/GridRegistry.sol";
import {PriceBook} from "../../../contracts/grid/PriceBook.sol";
import {Twins} from "../../../contracts/identity/Twins.sol";
import {ScriptedFeed} from "../../../contracts/mocks/ScriptedFeed.sol";
import {ContractView} from "../../../contracts/types/GridContractTypes.sol";
import {
    Location,
    Prices,
    PricingPolicy,
    PublicIp,
    Resources,
    RevenueShares
} from "../../../contracts/types/GridTypes.sol";
import {Secp256k1} from "../base/Secp256k1.sol";
import {TwinMaker} from "../base/TwinMaker.sol";
import {GridModel} from "./GridModel.sol";

/// @dev A grid of three users and two farms, each with one node at a time that the farm's owner runs itself.
abstract contract GridActors is TwinMaker, GridModel {
    uint256 public constant USERS = 3;
    uint256 public constant FARMS = 2;
    uint256 public constant IPS = 3;
    address public constant TREASURY = address(0x7EA5);
    address internal constant STRANGER = address(0x57A6);
    uint256 internal constant BEGAN = 1_700_000_003;
    uint256 internal constant FRESH_SECONDS = 1_000;
    uint256 private constant WEALTH = 1_000_000 ether;

    Twins public twins;
    GridRegistry public registry;
    ScriptedFeed public feed;
    PriceBook public book;
    GridContracts public grid;

    /// @dev Users first, then owners of farms. Twins count from 1 in the same order, so do farms.
    address[] public actors;
    /// @dev Of each farm, the newest node.
    uint256[] internal _nodeOf;
    /// @dev Wei that came in and went out.
    uint256 public sentIn;
    uint256 public sentOut;
    /// @dev Grains that each contract was credited with.
    mapping(uint256 contractId => uint256) public claimed;
    /// @dev What went wrong in an action, such as a panic; zero when nothing did.
    bytes32 public wrong;

    constructor() {
        VM.warp(BEGAN);
        (_second, twins) = (BEGAN, new Twins());
        Prices memory prices = Prices({
            cu: 305_600,
            su: 194_400,
            nu: 50_000,
            ipu: 69_401,
            uniqueName: 13_900,
            dedicationDiscountPercent: 50
        });
        RevenueShares memory shares = RevenueShares({farm: 7_001, treasury: 1_999, burn: 1_000});
        registry = new GridRegistry(twins, INTERVAL, PricingPolicy(prices, shares, TREASURY));
        (prices.cu, prices.nu, shares) = (411_111, 77_777, RevenueShares({farm: 10_000, treasury: 0, burn: 0}));
        registry.createPricingPolicy(PricingPolicy(prices, shares, address(0)));
        feed = new ScriptedFeed();
        feed.setAnswer(3_000e8, 0);
        book = new PriceBook(feed, FRESH_SECONDS);
        grid = new GridContracts(twins, registry, book, GRACE, GRACE_SHARE);
        _price = book.peek().price;
        bytes[] memory keys = Secp256k1.publicKeys(2 * (USERS + FARMS));
        for (uint256 i = 0; i < USERS + FARMS; i++) {
            address actor = address(uint160(uint256(keccak256(keys[2 * i]))));
            actors.push(actor);
            VM.deal(actor, WEALTH);
            _makeTwin(twins, actor, 2 * i + 2, keys[2 * i + 1]);
        }
        for (uint256 i = 0; i < FARMS; i++) {
            VM.prank(_owner(i));
            registry.createFarm(i == 0 ? "one" : "two", i + 1, _owner(i));
            for (uint256 ip = 0; ip < IPS; ip++) {
                VM.prank(_owner(i));
                registry.addPublicIp(i + 1, PublicIp(_ip(i, ip + 2), _ip(i, 1), 24));
            }
            _nodeOf.push(_newNode(i));
        }
    }

    /// @dev All that was credited to farms, treasuries and the fire, and not taken out.
    function credits() public view returns (uint256 grains) {
        return grid.revenueOf(1) + grid.revenueOf(2) + grid.treasuryOf(TREASURY) + grid.unburnt();
    }

    function _newNode(uint256 farm) internal returns (uint256) {
        Resources memory resources = Resources({cru: 8, sru: 500 << 30, hru: 1_000 << 30, mru: 32 << 30});
        VM.prank(_owner(farm));
        return registry.createNode(farm + 1, resources, Location("BE", 1, 2, ""), NEVER, "");
    }

    function _owner(uint256 farm) internal view returns (address) {
        return actors[USERS + farm];
    }

    /// @dev Does something at the grid as an account. A refusal is as good as a success; a panic is not.
    function _act(bytes32 action, address from, uint256 value, bytes memory data) internal returns (bool ok) {
        _advance(block.timestamp, USERS);
        bytes memory result;
        VM.prank(from);
        (ok, result) = address(grid).call{value: value}(data);
        if (ok) {
            happened[action]++;
            _price = book.peek().price;
        } else if (result.length == 0 || bytes4(result) == bytes4(keccak256("Panic(uint256)"))) {
            wrong = action;
        }
    }

    /// @dev Another number for each use of the same seed.
    function _roll(uint256 seed, string memory use) internal pure returns (uint256) {
        return uint256(keccak256(abi.encode(seed, use)));
    }

    function _bill(uint256 seed) internal view returns (uint256 contractId, Bill storage bill) {
        uint256 count = grid.contractCount();
        contractId = count == 0 ? 0 : 1 + (seed % count);
        // One that was closed is tried again only now and then.
        if (isClosed[contractId] && _roll(seed, "closed") % 4 != 0) contractId = 1 + (_roll(seed, "again") % count);
        bill = _bills[contractId];
    }

    function _contract(uint256 contractId) internal view returns (ContractView memory) {
        return grid.contractOf(contractId);
    }

    function _ip(uint256 farm, uint256 last) private pure returns (bytes16) {
        return bytes16(uint128(0xffff0a000000 + farm * 256 + last));
    }
}
