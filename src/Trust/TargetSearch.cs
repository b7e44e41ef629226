using Gatehouse.Trust.Keys;
using Gatehouse.Trust.Metadata;

namespace Gatehouse.Trust;

public sealed partial class TufRepository
{
    /// <summary>The pre-order depth-first search of 5.6.7 for one path.</summary>
    private sealed class TargetSearch(TufRepository repository, TrustedMetadataSet set, string path)
    {
        private readonly HashSet<(string Role, string Keys)> _visited = [];

        public async Task<TargetFile?> RunAsync(CancellationToken cancellationToken)
        {
            if (System.Text.Encoding.UTF8.GetByteCount(path) > repository._limits.TargetPathBytes) return null;

            // What is still to be visited, next on top; each with the way that led to it.
            var waiting = new Stack<(Link Link, Trail? Trail)>();
            waiting.Push((new Link("root", "targets", set.Root.Roles["targets"]), null));
            while (waiting.TryPop(out var next) && _visited.Count < repository._limits.VisitedRoles)
            {
                // A role visited with these keys has nothing new to say (5.6.7.1). Named with other keys it is verified anew.
                if (!_visited.Add((next.Link.Role, next.Link.Keys.Identity))) continue;

                var loaded = await repository.LoadTargetsAsync(set, next.Link.Delegator, next.Link.Role, next.Link.Keys, cancellationToken).ConfigureAwait(false);
                var trail = new Trail(loaded, next.Trail);
                if (repository.Describe(set, path, trail.ToList()) is { } found) return found;

                Push(waiting, loaded.Targets, trail);
            }

            return null;
        }

        private void Push(Stack<(Link Link, Trail? Trail)> waiting, Metadata.Targets targets, Trail trail)
        {
            var children = new List<Delegation>();
            foreach (var delegation in targets.Delegations.For(path))
            {
                children.Add(delegation);
                if (!delegation.IsTerminating) continue;

                // It has the last word: neither its later siblings nor anything its ancestors named after it is asked.
                waiting.Clear();
                break;
            }

            for (var i = children.Count - 1; i >= 0; i--) waiting.Push((new Link(targets.Role, children[i].Role, children[i].Keys), trail));
        }

        private sealed record Link(string Delegator, string Role, RoleKeys Keys);

        private sealed record Trail(RoleLink Link, Trail? Before)
        {
            public List<RoleLink> ToList()
            {
                var list = new List<RoleLink>();
                for (var trail = this; trail is not null; trail = trail.Before) list.Insert(0, trail.Link);
                return list;
            }
        }
    }
}
